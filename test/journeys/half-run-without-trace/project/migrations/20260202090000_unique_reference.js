exports.config = { transaction: false }

exports.up = async (knex) => {
  await knex.schema.raw(`CREATE TABLE refunds (id bigint PRIMARY KEY, order_id bigint REFERENCES orders)`)
  await knex.schema.raw(`ALTER TABLE orders ADD COLUMN status_note text`)
  await knex.schema.raw(`CREATE UNIQUE INDEX CONCURRENTLY orders_reference_key ON orders (reference)`)
}

exports.down = async (knex) => {
  await knex.schema.raw(`ALTER TABLE orders DROP COLUMN status_note`)
  await knex.schema.raw(`DROP TABLE refunds`)
}
