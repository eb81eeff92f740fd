"""A stand-in for AWS and Twilio in a process of its own: answers at once, keeps everything in memory, counts what AWS would bill."""
