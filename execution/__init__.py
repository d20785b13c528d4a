"""The state transition: transactions in, header, receipts and state diff out."""
