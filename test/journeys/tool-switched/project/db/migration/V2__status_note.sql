ALTER TABLE orders ADD COLUMN status_note text;
