"""What changed from one release of transformers to the next: what is lost, and which losses are accepted."""
