"""A process beside a worker, in its group: when the worker ends, however it does, this ends all that it has started.

Linux tells a process of its parent's death, but not its parent's children. To be run as a file, with the worker's
process ID: it needs nothing of hfci.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h

if __name__ == "__main__":
    worker, told = int(sys.argv[1]), signal.SIGUSR1
    signal.pthread_sigmask(signal.SIG_BLOCK, [told])
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, told)
    if os.getppid() == worker:  # else it has ended already
        signal.sigwait([told])
    if os.getpgrp() == worker:  # this one is in it: as long as that is so, no other group has its number
        os.killpg(worker, signal.SIGKILL)
