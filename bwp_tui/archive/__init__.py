"""What a finished archive holds: listing, checking, looking inside, unpacking. All of it is taken for hostile."""
