exports.up = (knex) =>
  knex.schema.raw(`CREATE TABLE orders (id bigint PRIMARY KEY, total numeric NOT NULL, reference text)`)

exports.down = (knex) => knex.schema.raw(`DROP TABLE orders`)
