CREATE TABLE orders (id bigint PRIMARY KEY, total numeric NOT NULL);

GRANT SELECT, INSERT ON orders TO catalogue_orders_app;
