"""How a model is made: pretraining, fine-tuning, calibration, evaluation, export."""
