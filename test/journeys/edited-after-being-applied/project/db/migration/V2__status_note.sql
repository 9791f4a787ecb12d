ALTER TABLE orders ADD COLUMN status_note varchar(80);
