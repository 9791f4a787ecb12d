/**
 * What a statement touched, as the server itself says it: event triggers tell every DDL command's objects and every
 * dropped one by a message of level INFO, which reaches the client whatever client_min_messages a migration sets.
 * Nothing is written down in the database, so nothing of ours is in the catalog that is read, but two functions.
 */

/** Ours, and in nobody's expectation. */
export const REPLAY_SCHEMA = 'deploywatch_replay'

/** Of `c` and `n`: the relation's name, and behind line breaks its columns by number and name. */
export const RELATION_SIGNATURE = `'0 ' || n.nspname || '.' || c.relname || coalesce((SELECT string_agg(chr(10) || a.attnum || ' ' || a.attname, '' ORDER BY a.attnum)
      FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '')`

/** Of `t` and `n`: the type's name, and an enum's labels. */
export const TYPE_SIGNATURE = `'0 ' || n.nspname || '.' || t.typname || coalesce((SELECT string_agg(chr(10) || v.oid || ' ' || v.enumlabel, '' ORDER BY v.oid)
      FROM pg_enum v WHERE v.enumtypid = t.oid), '')`

/**
 * Begins a transaction in which touches tell no relation. Where one holds many locks, every query of the trigger costs as much as
 * there are of them (a query that takes more than 15 looks through all of them at its end): 6,000 new tables in one
 * transaction took 57 s, and so 20.
 */
export const BEGIN_BRIEF = 'BEGIN; SET LOCAL deploywatch.brief = on;'

/** SECURITY DEFINER: a migration may have SET ROLE. ENABLE ALWAYS: or session_replication_role. */
export const TOUCH_TRIGGERS: readonly string[] = [
  `CREATE SCHEMA ${REPLAY_SCHEMA}`,
  `CREATE FUNCTION ${REPLAY_SCHEMA}.touched() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE r record; BEGIN
  IF tg_tag = 'COMMENT' THEN RETURN; END IF;
  IF current_setting('deploywatch.brief', true) = 'on' THEN
    FOR r IN SELECT * FROM pg_event_trigger_ddl_commands() LOOP
      RAISE INFO 'deploywatch+ %', json_build_array(r.classid::int8::text, r.objid::int8::text, r.command_tag, r.object_type, r.schema_name, r.object_identity);
    END LOOP;
    RETURN;
  END IF;
  FOR r IN SELECT e.*, t.nspname, t.relname, t.alone, t.signature FROM pg_event_trigger_ddl_commands() e LEFT JOIN LATERAL (
    SELECT n.nspname, c.relname, NOT c.relhassubclass AND NOT c.relispartition AND c.relkind <> 'p' AS alone, CASE WHEN e.classid = 'pg_class'::regclass AND c.oid = e.objid THEN ${RELATION_SIGNATURE} END AS signature
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = CASE e.classid
      WHEN 'pg_class'::regclass THEN coalesce((SELECT indrelid FROM pg_index WHERE indexrelid = e.objid), e.objid)
      WHEN 'pg_constraint'::regclass THEN (SELECT conrelid FROM pg_constraint WHERE oid = e.objid)
      WHEN 'pg_trigger'::regclass THEN (SELECT tgrelid FROM pg_trigger WHERE oid = e.objid)
      WHEN 'pg_policy'::regclass THEN (SELECT polrelid FROM pg_policy WHERE oid = e.objid) END
    UNION ALL SELECT n.nspname, t.typname, true, ${TYPE_SIGNATURE}
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE e.classid = 'pg_type'::regclass AND t.oid = e.objid
  ) t ON true LOOP
    RAISE INFO 'deploywatch+ %', json_build_array(r.classid::int8::text, r.objid::int8::text, r.command_tag, r.object_type, r.schema_name, r.object_identity, r.nspname, r.relname, r.alone::text, r.signature);
  END LOOP; END $$`,
  `CREATE FUNCTION ${REPLAY_SCHEMA}.dropped() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE r record; BEGIN
  FOR r IN SELECT * FROM pg_event_trigger_dropped_objects() WHERE NOT is_temporary LOOP
    RAISE INFO 'deploywatch- %', json_build_array(r.classid::int8::text, r.objid::int8::text, r.object_type, r.address_names);
  END LOOP; END $$`,
  `CREATE EVENT TRIGGER deploywatch_touched ON ddl_command_end EXECUTE FUNCTION ${REPLAY_SCHEMA}.touched()`,
  `CREATE EVENT TRIGGER deploywatch_dropped ON sql_drop EXECUTE FUNCTION ${REPLAY_SCHEMA}.dropped()`,
  'ALTER EVENT TRIGGER deploywatch_touched ENABLE ALWAYS',
  'ALTER EVENT TRIGGER deploywatch_dropped ENABLE ALWAYS',
]

/** An object by its place in the catalogs: pg_class's oid, the row's. */
export interface Address {
  readonly classId: string
  readonly objectId: string
}

export interface Touch {
  /** null for GRANT and the like, which name no object. */
  readonly address: Address | null
  /** The command's tag ('CREATE TABLE'), or 'DROP' for an object that is gone, also through CASCADE. */
  readonly tag: string
  /** 'table', 'index', 'table constraint' … */
  readonly type: string
  readonly schema: string | null
  /** The name in parts, without the schema: [table, constraint], [table]. */
  readonly names: readonly string[]
  /** The relation that it is, or is on, or the type that it is; null for what is neither, and for what is gone. */
  readonly relation: TouchedRelation | null
}

export interface TouchedRelation {
  readonly schema: string
  readonly name: string
  /** Has no children, and is none: what is done to it is done to no other. */
  readonly alone: boolean
  /** Its name, and its columns' or labels' by number, one a line: while they stay, nothing that depends on it changes its words. */
  readonly signature: string
}

/** The touch that a notice tells, or null where it is another message. */
export function parseTouch(notice: string): Touch | null {
  const match = /^INFO deploywatch([+-]) (\[.*\])$/s.exec(notice)
  if (match?.[2] === undefined) return null
  const fields = JSON.parse(match[2]) as readonly unknown[]
  const text = (at: number): string | null => (typeof fields[at] === 'string' ? fields[at] : null)
  const [classId, objectId] = [text(0), text(1)]
  const address = classId === null || objectId === null ? null : { classId, objectId }
  if (match[1] === '-') {
    const [schema = null, ...names] = Array.isArray(fields[3]) ? (fields[3] as readonly string[]) : []
    return { address, tag: 'DROP', type: text(2) ?? '', schema, names, relation: null }
  }
  const schema = text(4)
  const name = text(7)
  const relation =
    name === null ? null : { schema: text(6) ?? '', name, alone: text(8) === 'true', signature: text(9) ?? '' }
  return { address, tag: text(2) ?? '', type: text(3) ?? '', schema, names: nameParts(text(5), schema), relation }
}

/** `public."Order"` → ["Order"]. The server quotes where it must, and doubles quotes inside. */
function nameParts(identity: string | null, schema: string | null): readonly string[] {
  if (identity === null) return []
  const parts = [...identity.matchAll(/"((?:[^"]|"")*)"|([^".]+)/g)].map(
    (match) => match[1]?.replaceAll('""', '"') ?? match[2] ?? '',
  )
  return schema === null ? parts : parts.slice(1)
}
