"""Files of torch.export, read without torch: a zip with a JSON program, of which nothing is believed."""
