"""What several commands share: sessions, questions, waiting, output."""
