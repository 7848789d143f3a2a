"""From a name to facts: sanitise, rules, parsers, cascade."""
