raise RuntimeError("the driver of the chip does not answer")
