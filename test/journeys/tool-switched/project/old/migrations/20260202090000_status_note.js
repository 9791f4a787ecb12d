exports.up = (knex) => knex.schema.raw(`ALTER TABLE orders ADD COLUMN status_note text`)

exports.down = (knex) => knex.schema.raw(`ALTER TABLE orders DROP COLUMN status_note`)
