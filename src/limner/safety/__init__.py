"""What must not be drawn, and how a picture says that it was drawn."""
