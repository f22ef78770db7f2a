"""Who computes: the contract (`base`), the engines by name (`registry`), and one module per engine."""
