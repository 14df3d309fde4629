"""What really happened, next to what was predicted: messages, bags and reading them back."""
