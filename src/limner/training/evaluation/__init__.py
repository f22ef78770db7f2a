"""What a model can do, measured on the pictures that its users get: `limner eval`."""
