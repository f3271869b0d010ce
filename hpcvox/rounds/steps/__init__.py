"""The steps of a round: the settings of those that are verbs, and the code of those that only a campaign has."""
