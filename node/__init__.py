"""The running process: settings, services, JSON-RPC and the command line."""
