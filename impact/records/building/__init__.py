"""From checked returns and extracts to a folder of the tables of the contract, with provenance."""
