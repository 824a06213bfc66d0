-- What is to be known of a saved archive before it is unpacked, a sentence a line.
ALTER TABLE downloads ADD COLUMN remarks TEXT;
