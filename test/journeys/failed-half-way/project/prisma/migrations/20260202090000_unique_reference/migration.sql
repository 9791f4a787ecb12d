ALTER TABLE orders ADD COLUMN status_note text;

CREATE UNIQUE INDEX orders_reference_key ON orders (reference);
