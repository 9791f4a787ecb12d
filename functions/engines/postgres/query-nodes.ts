/** The nodes that a query that only reads is made of (src/include/nodes/parsenodes.h and primnodes.h of PostgreSQL 18). */

const NODES = `
  SelectStmt ResTarget ColumnRef String Integer Float Boolean BitString A_Star A_Const A_Expr A_Indices A_Indirection A_ArrayExpr
  TypeCast TypeName FuncCall NamedArgExpr BoolExpr NullTest BooleanTest CaseExpr CaseWhen CoalesceExpr MinMaxExpr
  SQLValueFunction SubLink RowExpr CollateClause SetToDefault XmlExpr XmlSerialize GroupingFunc GroupingSet SortBy WindowDef List
  RangeVar RangeSubselect RangeFunction RangeTableFunc RangeTableFuncCol RangeTableSample JoinExpr Alias ColumnDef
  WithClause CommonTableExpr CTESearchClause CTECycleClause
  JsonFormat JsonReturning JsonValueExpr JsonKeyValue JsonObjectConstructor JsonArrayConstructor JsonArrayQueryConstructor
  JsonAggConstructor JsonObjectAgg JsonArrayAgg JsonIsPredicate JsonParseExpr JsonScalarExpr JsonSerializeExpr JsonFuncExpr
  JsonTable JsonTableColumn JsonTablePathSpec JsonBehavior JsonArgument JsonOutput
`

export const HARMLESS_NODES: ReadonlySet<string> = new Set(NODES.trim().split(/\s+/u))

/** SQL/JSON came with 16 and 17: to an older server these are calls of functions with such names. */
export const NODE_FUNCTIONS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    JsonObjectConstructor: ['json_object'],
    JsonArrayConstructor: ['json_array'],
    JsonArrayQueryConstructor: ['json_array'],
    JsonObjectAgg: ['json_objectagg'],
    JsonArrayAgg: ['json_arrayagg'],
    JsonParseExpr: ['json'],
    JsonScalarExpr: ['json_scalar'],
    JsonSerializeExpr: ['json_serialize'],
    JsonFuncExpr: ['json_exists', 'json_query', 'json_value'],
    JsonTable: ['json_table'],
  }),
)
