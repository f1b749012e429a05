"""What it cost. Pure: fills as booked, beside the views their decisions were made on."""
