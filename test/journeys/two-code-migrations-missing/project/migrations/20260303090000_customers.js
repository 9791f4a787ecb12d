exports.up = async (knex) => {
  await knex.schema.createTable('customers', (table) => {
    table.bigInteger('id').primary()
  })
  await knex.schema.alterTable('orders', (table) => {
    table.bigInteger('customer_id').references('customers.id')
  })
}

exports.down = (knex) => knex.schema.dropTable('customers')
