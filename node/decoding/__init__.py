"""From bytes to names: calls, results, events and errors, by the ABIs that are known."""
