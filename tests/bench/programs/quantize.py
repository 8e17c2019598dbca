"""ONNX Runtime's own int8, with its defaults: ``python quantize.py FOLDER``."""

import logging
import sys

from onnxruntime.quantization import quantize_dynamic

logging.disable(logging.WARNING)
quantize_dynamic(f"{sys.argv[1]}/model.onnx", f"{sys.argv[1]}/int8.onnx")
