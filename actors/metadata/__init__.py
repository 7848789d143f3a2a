"""From an info hash to its metadata: peer look-ups, the queue, the fetchers."""
