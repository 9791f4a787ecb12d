ALTER TABLE orders ADD COLUMN status_note text;

CREATE INDEX orders_with_note ON orders (id) WHERE status_note IS NOT NULL;
