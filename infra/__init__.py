"""What Chalice cannot make: the bundle for another Python, tables, queues, alarms, and the way to a city's account."""
