"""Events between services: outbox, relay, topology, inbox, subscriptions and the event log."""
