CREATE EXTENSION pg_trgm;

CREATE TABLE orders (id bigint PRIMARY KEY, reference text NOT NULL);

CREATE INDEX orders_by_reference ON orders USING gin (reference gin_trgm_ops);
