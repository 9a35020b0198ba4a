"""An exporter of the chip's own format, registered with transformers."""

from transformers.exporters.auto import register_backend
from transformers.exporters.exporter_dynamo import DynamoConfig, DynamoExporter
from transformers.exporters.runners.runner_dynamo import DynamoModelRunner


class AcmeConfig(DynamoConfig):
    def __init__(self):
        super().__init__()
        self.export_format = "acme_format"


class AcmeExporter(DynamoExporter):
    export_format = "acme_format"
    config_class = AcmeConfig


register_backend(AcmeExporter, DynamoModelRunner)
