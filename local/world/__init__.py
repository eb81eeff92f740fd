"""The outside world on one machine: the providers' side of Twilio and SES, phones, inboxes, kiosks, and one clock to move."""
