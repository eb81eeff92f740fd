"""Measures Belfry's own work: counts, CPU and size. Prints one JSON object; gates nothing."""
