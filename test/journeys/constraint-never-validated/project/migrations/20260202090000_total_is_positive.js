exports.up = (knex) => knex.schema.raw(`ALTER TABLE orders ADD CONSTRAINT total_is_positive CHECK (total > 0)`)

exports.down = (knex) => knex.schema.raw(`ALTER TABLE orders DROP CONSTRAINT total_is_positive`)
