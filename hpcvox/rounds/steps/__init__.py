"""The steps of a round: the settings of those that are verbs, and those that are a campaign's own."""
