DROP INDEX orders_by_total;
