"""Belfry: a city says a thing once; everyone who asked gets it, once, in their language."""
