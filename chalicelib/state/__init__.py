"""The narrow door to what is kept: a table and a queue, each with two adapters."""
