exports.up = (knex) =>
  knex.schema.alterTable('orders', (table) => {
    table.text('status_note')
    table.index(['status_note'], 'orders_status_note_idx')
  })

exports.down = (knex) => knex.schema.alterTable('orders', (table) => table.dropColumn('status_note'))
