"""One file per thing stored, written on the Table. The only place with key names."""
