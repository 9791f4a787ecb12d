import { describe, expect, test } from 'vitest'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import { detectTool } from '../../functions/ledgers/detection.ts'
import { efCore } from '../../functions/ledgers/ef-core.ts'
import { expectLedger } from '../../functions/ledgers/expect-ledger.ts'
import { recogniseOther } from '../../functions/ledgers/other-tools.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import { chooseLedger } from '../../functions/ledgers/choose-ledger.ts'

type Files = Readonly<Record<string, string>>
const PATH = 'Migrations'
const EF = 'using Microsoft.EntityFrameworkCore.Migrations;\n'

const main = (name: string): string =>
  `${EF}namespace Shop.Migrations;\n\npublic partial class ${name} : Migration\n{\n    protected override void Up(MigrationBuilder migrationBuilder) { }\n}\n`
const designer = (id: string, name: string, context = 'ShopContext'): string =>
  `namespace Shop.Migrations;\n\n[DbContext(typeof(${context}))]\n[Migration("${id}")]\npartial class ${name}\n{\n}\n`
/** As `dotnet ef migrations add` writes them. */
const added = (stamp: string, name: string, context = 'ShopContext', folder = PATH): Files => ({
  [`${folder}/${stamp}_${name}.cs`]: main(name),
  [`${folder}/${stamp}_${name}.Designer.cs`]: designer(`${stamp}_${name}`, name, context),
})
const FIRST = added('20250304091502', 'CreateVenues')
const SECOND = added('20250318141127', 'AddCity')

const settings = (path = PATH, table: { schema: string | null; table: string } | null = null) => ({
  path,
  placeholders: {},
  table,
})
const discover = (files: Files, path = PATH) => efCore.discover(projectOf(files), settings(path))
const keysOf = async (files: Files, path = PATH) =>
  (await discover(files, path)).migrations.map(({ subject }) => subject)
const table = (columns: Readonly<Record<string, string>>, name = '__EFMigrationsHistory') => ({
  schema: 'public',
  table: name,
  columns,
  readable: true,
})
const interpret = async (rows: readonly Readonly<Record<string, string>>[], files: Files) => {
  const { migrations, elsewhere } = await discover(files)
  return efCore.interpret({ table: table({}), rows, beside: [], migrations, elsewhere })
}

describe('the id of a migration', () => {
  test('is what its attribute says, whatever the file is called', async () => {
    const { migrations, problems } = await discover({
      [`${PATH}/AddCity.cs`]: main('AddCity'),
      [`${PATH}/AddCity.Designer.cs`]: designer('20250318141127_AddCity', 'AddCity'),
      [`${PATH}/nested/Größe "2".cs`]: `${EF}[DbContext(typeof(ShopContext))]\n[Migration(id: "20250304091502_Größe \\"2\\"")]\npublic class Big : Migration { }`,
      [`${PATH}/ShopContextModelSnapshot.cs`]:
        '[DbContext(typeof(ShopContext))]\npartial class ShopContextModelSnapshot : ModelSnapshot { }',
    })
    expect(migrations.map(({ subject, file, line }) => [subject, file, line])).toEqual([
      ['20250304091502_Größe "2"', `${PATH}/nested/Größe "2".cs`, 4],
      ['20250318141127_AddCity', `${PATH}/AddCity.cs`, 4],
    ])
    expect(problems).toEqual([])
  })

  test('is read from files with CRLF and a byte order mark', async () => {
    const windows = Object.fromEntries(
      Object.entries({ ...FIRST, ...SECOND }).map(([file, text]) => [file, `\u{feff}${text.replaceAll('\n', '\r\n')}`]),
    )
    expect(await keysOf(windows)).toEqual(['20250304091502_CreateVenues', '20250318141127_AddCity'])
  })

  test('that is a constant or nameof is resolved, and one that is computed is said', async () => {
    const text = (id: string, name: string): string =>
      `${EF}[DbContext(typeof(ShopContext))]\n[Migration(${id})]\npublic class ${name} : Migration { private const string Id = "2_B"; }`
    const { migrations, problems } = await discover({
      [`${PATH}/A.cs`]: text('nameof(_1_A)', '_1_A'),
      [`${PATH}/B.cs`]: text('Id', 'B'),
      [`${PATH}/C.cs`]: text('"3_" + Name', 'C'),
    })
    expect(migrations.map(({ subject }) => subject).sort()).toEqual(['2_B', '_1_A'])
    expect(problems).toEqual([
      { file: `${PATH}/C.cs`, line: 4, message: expect.stringContaining('"3_" + Name') as string },
    ])
  })

  test('of a class without the attribute, whose .Designer.cs is lost, is no migration to EF Core, and that is said', async () => {
    const { migrations, problems } = await discover({
      ...FIRST,
      [`${PATH}/20250318141127_AddCity.cs`]: main('AddCity'),
    })
    expect(migrations).toHaveLength(1)
    expect(problems).toEqual([
      {
        file: `${PATH}/20250318141127_AddCity.cs`,
        line: 4,
        message: expect.stringMatching(/^AddCity is a migration without .*\.Designer\.cs/) as string,
      },
    ])
  })

  test('without a context is not found by EF Core, unless a base class has it', async () => {
    const base = '[DbContext(typeof(ShopContext))]\npublic abstract class Based : Migration { }'
    const { migrations, problems } = await discover({
      [`${PATH}/Based.cs`]: EF + base,
      [`${PATH}/A.cs`]: `${EF}[Migration("1_A")] public class A : Migration { }`,
      [`${PATH}/B.cs`]: `${EF}[Migration("2_B")] public class B : Shop.Based { }`,
      [`${PATH}/C.cs`]: `${EF}[Migration("3_C")] public class C : OtherAssembly.Based2 { }`,
    })
    expect(migrations.map(({ subject }) => subject)).toEqual(['2_B', '3_C'])
    expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining('1_A has no [DbContext(')])
  })

  test('given twice is run once, and so is one that differs in case only', async () => {
    const { migrations, problems } = await discover({
      ...FIRST,
      [`${PATH}/Twin.cs`]: `${EF}[DbContext(typeof(ShopContext))] [Migration("20250304091502_CreateVenues")] class Twin : Migration { }`,
      [`${PATH}/Third.cs`]: `${EF}[DbContext(typeof(ShopContext))] [Migration("20250304091502_CREATEVENUES")] class Third : Migration { }`,
    })
    expect(migrations).toHaveLength(1)
    expect(problems.map(({ message }) => message).sort()).toEqual([
      expect.stringContaining('one row counts for both'),
      expect.stringContaining('runs only one of them'),
    ])
  })

  test('in a comment, or in what a build left behind, does not count', async () => {
    const files = {
      ...FIRST,
      [`${PATH}/Old.cs`]: `/* ${designer('20240101000000_Old', 'Old')} */ // ${EF}`,
      ...added('20240101000000', 'Built', 'ShopContext', `${PATH}/obj/Debug`),
    }
    expect(await keysOf(files)).toEqual(['20250304091502_CreateVenues'])
  })
})

describe('rows', () => {
  test('count whatever their case, as EF Core counts them, and that a script would not is said', async () => {
    const { applied, notes } = await interpret(
      [{ migrationid: '20250304091502_createvenues', productversion: '8.0.4' }],
      { ...FIRST, ...SECOND },
    )
    expect(applied.map(({ key, label, at, place }) => [key, label, at, place])).toEqual([
      ['20250304091502_createvenues', '20250304091502_createvenues', null, 1],
    ])
    expect(notes).toEqual([expect.stringContaining('--idempotent')])
  })

  test('of a naming convention’s columns are read alike', async () => {
    const { applied, notes } = await interpret(
      [{ migration_id: '20250304091502_CreateVenues', product_version: '8.0.4' }],
      FIRST,
    )
    expect(applied.map(({ label }) => label)).toEqual(['20250304091502_CreateVenues'])
    expect(notes).toEqual([])
  })

  test('one that is late is run by the same command', async () => {
    const { late, commands } = await discover(FIRST)
    expect(late).toBe('runs')
    expect(commands).toMatchObject({
      migrate: 'dotnet ef database update',
      migrateLate: commands.migrate,
      repair: null,
    })
  })

  test('a migration inside of #if that has none is neither missing nor run', async () => {
    const files = {
      'Shop.csproj': '<Project/>',
      ...FIRST,
      [`${PATH}/Seed.cs`]: `${EF}#if DEBUG\n[DbContext(typeof(ShopContext))]\n[Migration("20250401000000_Seed")]\npublic class Seed : Migration { }\n#endif\n`,
    }
    const row = { migrationid: '20250304091502_CreateVenues', productversion: '9.0.0' }
    expect((await interpret([row], files)).unclear).toMatchObject({
      keys: ['20250401000000_seed'],
      why: expect.stringContaining('#if DEBUG') as string,
    })
    const seeded = { migrationid: '20250401000000_Seed', productversion: '9.0.0' }
    expect((await interpret([row, seeded], files)).unclear).toBeUndefined()
  })
})

describe('whose the table is', () => {
  const own = { MigrationId: 'character varying(150)', ProductVersion: 'character varying(32)' }

  test('EF Core’s by its two columns, whatever its name, in any naming convention, and as MySQL names the types', () => {
    expect(efCore.recognise(table(own, 'änderungen "2"'), [])).toMatch(/MigrationId, ProductVersion/)
    expect(efCore.recognise(table({ migration_id: 'text', product_version: 'text' }, 'x'), [])).not.toBeNull()
    expect(efCore.recognise(table({ MIGRATION_ID: 'varchar(150)', PRODUCT_VERSION: 'varchar(32)' }), [])).not.toBeNull()
    expect(efCore.recognise(table({ migrationId: 'varchar(150)', productVersion: 'varchar(32)' }), [])).not.toBeNull()
  })

  test('with columns of the team’s own under EF Core’s name only', () => {
    const more = { ...own, AppliedAt: 'timestamp with time zone' }
    expect(efCore.recognise(table(more), [])).toMatch(/appliedat/)
    expect(efCore.recognise(table(more, 'builds'), [])).toBeNull()
    expect(efCore.recognise(table({ MigrationId: 'character varying(150)' }), [])).toBeNull()
    expect(efCore.recognise(table({ MigrationId: 'integer', ProductVersion: 'text' }), [])).toBeNull()
  })

  test('never Entity Framework 6’s or FluentMigrator’s, which are named', () => {
    const six = table({ ...own, ContextKey: 'character varying(300)', Model: 'bytea' }, '__MigrationHistory')
    const fluent = table(
      { Version: 'bigint', AppliedOn: 'timestamp without time zone', Description: 'character varying(1024)' },
      'VersionInfo',
    )
    expect([efCore.recognise(six, []), efCore.recognise(fluent, [])]).toEqual([null, null])
    expect([recogniseOther(six)?.title, recogniseOther(fluent)?.title]).toEqual([
      'Entity Framework 6',
      'FluentMigrator',
    ])
    const chosen = chooseLedger({ tool: efCore, table: null, candidates: [six, fluent], searchPath: ['public'] })
    expect(chosen).toMatchObject({
      problem: { problem: 'missing', detail: expect.stringContaining('Entity Framework 6') as string },
    })
  })

  test('not another service’s, where each has a schema', () => {
    const theirs = { ...table(own), schema: 'billing' }
    const question = { tool: efCore, candidates: [table(own), theirs], searchPath: ['public'] }
    expect(chooseLedger({ ...question, table: { schema: 'billing', table: '__EFMigrationsHistory' } })).toMatchObject({
      table: { schema: 'billing' },
    })
    expect(chooseLedger({ ...question, table: null })).toMatchObject({ problem: { problem: 'ambiguous' } })
  })
})

describe('contexts', () => {
  const orders = added('20250401080000', 'CreateOrders', 'OrdersContext', 'Migrations/Orders')
  const shop = added('20250304091502', 'CreateVenues', 'ShopContext', 'Migrations/Shop')
  const csproj = { 'Shop.csproj': '<Project Sdk="Microsoft.NET.Sdk.Web"/>' }

  test('rows of another one of the assembly are neither unknown, nor do they make one late', async () => {
    const files = { ...csproj, ...shop, ...orders }
    const found = await discover(files, 'Migrations/Shop')
    const detection = { evidence: '', confidence: 'certain' } as const
    const release = expectLedger({ name: 'default', path: 'Migrations/Shop', table: null }, efCore, detection, found)
    expect(release).toMatchObject({ elsewhere: ['20250401080000_createorders'] })
    const rows = [{ migrationid: '20250401080000_CreateOrders', productversion: '9.0.0' }]
    const reading = efCore.interpret({ ...release, table: table({}), rows, beside: [] })
    const observed = { table: 'public.t', tool: 'ef-core', recognisedBy: '', ...reading }
    const { findings } = compareLedger(release, { ledger: 'default', reading: observed })
    expect(findings.map(({ code, subject }) => [code, subject])).toEqual([
      ['migration-missing', '20250304091502_CreateVenues'],
    ])
    expect(reading.notes).toEqual([expect.stringContaining('20250401080000_CreateOrders')])
    expect(found.commands.migrate).toBe('dotnet ef database update --context ShopContext')
  })

  test('of another assembly are known by their .Designer.cs files, but for those of the same context', async () => {
    const files = {
      ...added('20250304091502', 'CreateVenues', 'ShopContext', 'Shop/Migrations'),
      'Shop/Shop.csproj': '<Project Sdk="Microsoft.NET.Sdk.Web"/>',
      ...added('20250401080000', 'CreateOrders', 'OrdersContext', 'Orders/Migrations'),
      'Orders/Orders.csproj': '<Project Sdk="Microsoft.NET.Sdk.Web"/>',
      ...added('20250304091502', 'CreateVenues', 'ShopContext', 'Shop.Sqlite/Migrations'),
      ...added('20250501000000', 'OnlySqlite', 'ShopContext', 'Shop.Sqlite/Migrations'),
      'Shop.Sqlite/Shop.Sqlite.csproj': '<Project Sdk="Microsoft.NET.Sdk"/>',
    }
    const { migrations, elsewhere } = await discover(files, 'Shop/Migrations')
    expect(migrations.map(({ subject }) => subject)).toEqual(['20250304091502_CreateVenues'])
    expect(elsewhere).toEqual(['20250401080000_createorders'])
  })

  test('what the assembly has of the same one in another folder is run too', async () => {
    const more = added('20250210000000', 'Moved', 'ShopContext', 'Old')
    expect(await keysOf({ ...csproj, ...shop, ...more }, 'Migrations/Shop')).toEqual([
      '20250210000000_Moved',
      '20250304091502_CreateVenues',
    ])
  })

  test('several in one folder are run one after the other, and each has an order of its own', async () => {
    const { migrations, commands } = await discover({
      ...csproj,
      ...shop,
      ...orders,
      ...added('20250501000000', 'More'),
    })
    expect(commands.migrate).toBe(
      'dotnet ef database update --context OrdersContext && dotnet ef database update --context ShopContext',
    )
    expect(migrations.map(({ key, after }) => [key, after])).toEqual([
      ['20250304091502_createvenues', []],
      ['20250401080000_createorders', []],
      ['20250501000000_more', ['20250304091502_createvenues']],
    ])
  })

  test('with tables of their own in one folder are asked for, and told by `table`', async () => {
    const code =
      'services.AddDbContext<ShopContext>(o => o.UseNpgsql(c, n => n.MigrationsHistoryTable("shop_history")));\nservices.AddDbContext<Data.OrdersContext>(o => o.UseNpgsql(c, n => n.MigrationsHistoryTable("__EFMigrationsHistory", "orders")));'
    const files = { ...csproj, 'Program.cs': code, ...shop, ...orders }
    const both = await discover(files)
    expect([both.table, both.migrations.length]).toEqual([null, 2])
    expect(both.notes).toEqual([
      expect.stringMatching(/OrdersContext in orders\.__EFMigrationsHistory, ShopContext in shop_history/),
    ])
    const one = await efCore.discover(projectOf(files), settings(PATH, { schema: null, table: 'shop_history' }))
    expect(one.migrations.map(({ subject }) => subject)).toEqual(['20250304091502_CreateVenues'])
    expect(await discover(files, 'Migrations/Orders')).toMatchObject({
      table: { schema: 'orders', table: '__EFMigrationsHistory' },
    })
  })

  test('with one id in one table are said: a row counts for both', async () => {
    const twin = {
      'Migrations/Twin.cs': `${EF}[DbContext(typeof(OrdersContext))] [Migration("20250304091502_CreateVenues")] class Twin : Migration { }`,
    }
    const { migrations, problems } = await discover({ ...csproj, ...shop, ...twin })
    expect(migrations).toHaveLength(1)
    expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining('of another context too')])
  })
})

describe('the history table', () => {
  const csproj = { 'Shop.csproj': '<Project Sdk="Microsoft.NET.Sdk.Web"/>' }
  const tableIn = async (code: string) => {
    const { table: name, notes } = await discover({ ...csproj, ...FIRST, 'Program.cs': code })
    return { name, notes }
  }

  test('is what MigrationsHistoryTable says, in literals, constants and named arguments', async () => {
    const call = (args: string): string => `o.UseNpgsql(c, n => n.MigrationsHistoryTable(${args}));`
    expect(await tableIn(call('"history"'))).toEqual({ name: { schema: null, table: 'history' }, notes: [] })
    expect((await tableIn(call('HistoryRepository.DefaultTableName, "shop"'))).name).toEqual({
      schema: 'shop',
      table: '__EFMigrationsHistory',
    })
    expect(
      (await tableIn(`class D { public const string Schema = "s"; } ${call('schema: D.Schema, tableName: "t"')}`)).name,
    ).toEqual({ schema: 's', table: 't' })
    expect((await tableIn(`// ${call('"old"')}`)).name).toBeNull()
    expect((await tableIn('modelBuilder.HasDefaultSchema("shop");')).name).toBeNull()
  })

  test('is read beside the migrations too, where the path is the project’s', async () => {
    const files = { ...csproj, ...FIRST, 'Shop.cs': 'n.MigrationsHistoryTable("history");' }
    for (const path of ['.', './']) {
      expect(await discover(files, path)).toMatchObject({ table: { schema: null, table: 'history' } })
    }
    const { 'Shop.csproj': _, ...without } = files
    expect(await discover(without, '')).toMatchObject({ table: { schema: null, table: 'history' } })
  })

  test('that is computed is asked for', async () => {
    const { name, notes } = await tableIn('n.MigrationsHistoryTable($"history_{tenant}")')
    expect(name).toBeNull()
    expect(notes).toEqual([expect.stringMatching(/^Program\.cs .*set `migrations\.table`/)])
  })

  test('is read from the projects that use the migrations’ one and that it uses, not from tests', async () => {
    const reference = (name: string): string => `<ProjectReference Include="..\\${name}\\${name}.csproj" />`
    const call = (name: string): string => `n.MigrationsHistoryTable("${name}")`
    const files = {
      ...added('20250304091502', 'CreateVenues', 'ShopContext', 'src/Data/Migrations'),
      'src/Data/Data.csproj': '<Project Sdk="Microsoft.NET.Sdk"/>',
      'src/Web/Web.csproj': `<Project Sdk="Microsoft.NET.Sdk.Web">${reference('Data')}</Project>`,
      'src/Web/Program.cs': call('web'),
      'src/Tests/Tests.csproj': `<Project Sdk="Microsoft.NET.Sdk">${reference('Web')}<IsTestProject>true</IsTestProject></Project>`,
      'src/Tests/Fixture.cs': call('tests'),
      'src/Other/Other.csproj': '<Project Sdk="Microsoft.NET.Sdk.Web"/>',
      'src/Other/Program.cs': call('other'),
    }
    const { table: name, commands } = await discover(files, 'src/Data/Migrations')
    expect(name).toEqual({ schema: null, table: 'web' })
    expect(commands.migrate).toBe('dotnet ef database update --project src/Data --startup-project src/Web')
  })

  test('of a history repository of the team’s own is said', async () => {
    expect((await tableIn('o.ReplaceService<IHistoryRepository, Own>();')).notes).toEqual([
      expect.stringContaining('replaces IHistoryRepository'),
    ])
  })
})

describe('the command', () => {
  const library = {
    ...added('20250304091502', 'CreateVenues', 'ShopContext', 'src/My Data/Migrations'),
    'src/My Data/Data.csproj': '<Project Sdk="Microsoft.NET.Sdk"/>',
  }
  const user = (name: string) => ({
    [`src/${name}/${name}.csproj`]: `<Project Sdk="Microsoft.NET.Sdk"><OutputType>Exe</OutputType><ProjectReference Include="..\\My Data\\Data.csproj" /></Project>`,
  })
  const command = async (files: Files) => (await discover(files, 'src/My Data/Migrations')).commands.migrate

  test('names the project, and the one that is started: as the team does, else the only one', async () => {
    expect(await command(library)).toBe("dotnet ef database update --project 'src/My Data'")
    const host = {
      'Host/Host.csproj': `<Project Sdk="Aspire.AppHost.Sdk/9.0.0"><OutputType>Exe</OutputType><ProjectReference Include="..\\src\\Web\\Web.csproj" /></Project>`,
    }
    expect(await command({ ...library, ...user('Web'), ...host })).toBe(
      "dotnet ef database update --project 'src/My Data' --startup-project src/Web",
    )
    const both = { ...library, ...user('Web'), ...user('Worker') }
    expect((await discover(both, 'src/My Data/Migrations')).notes).toEqual([
      expect.stringContaining('--startup-project'),
    ])
    const makefile = { 'src/Makefile': "up:\n\tdotnet ef database update -p 'My Data' -s Worker\n" }
    expect(await command({ ...both, ...makefile })).toBe(
      "dotnet ef database update --project 'src/My Data' --startup-project src/Worker",
    )
  })

  test('needs none where the project makes its context for the command line', async () => {
    const factory = {
      'src/My Data/Factory.cs': 'class Factory : IDesignTimeDbContextFactory<ShopContext> { }',
    }
    expect(await command({ ...library, ...user('Web'), ...factory })).toBe(
      "dotnet ef database update --project 'src/My Data'",
    )
  })

  test('has the address from the variable that the code reads as a URL', async () => {
    const code =
      'var url = Environment.GetEnvironmentVariable("SHOP_DATABASE_URL"); Environment.GetEnvironmentVariable("API_URL");'
    const files = { 'Shop.csproj': '<Project/>', ...FIRST, 'Program.cs': code }
    expect((await discover(files)).commands.addressIn).toBe('SHOP_DATABASE_URL')
    expect((await discover({ ...files, 'Program.cs': '' })).commands.addressIn).toBeNull()
  })

  test('is not what runs where a bundle or a start does it, and that is said', async () => {
    const files = {
      'Shop.csproj': '<Project/>',
      ...FIRST,
      'Program.cs':
        'using var scope = app.Services.CreateScope(); await scope.Get<ShopContext>().Database.MigrateAsync();',
      Dockerfile: 'FROM sdk\nRUN dotnet ef migrations bundle --self-contained -o /app/efbundle\n',
    }
    expect((await discover(files)).notes).toEqual([
      expect.stringMatching(/^Program\.cs calls Database\.Migrate/),
      expect.stringMatching(/^Dockerfile makes a bundle/),
    ])
  })
})

describe('whose the files are', () => {
  const detect = async (files: Files) => {
    const found = await detectTool(projectOf(files), PATH, null)
    return 'problem' in found
      ? `${found.problem}: ${found.message}`
      : `${found.tool.name} ${found.detection.confidence}`
  }

  test('EF Core’s by the attributes', async () => {
    expect(await detect(FIRST)).toBe('ef-core certain')
    expect(await detect({ [`${PATH}/A.cs`]: main('A') })).toBe('ef-core likely')
    expect(await detect({ [`${PATH}/A.cs`]: 'namespace Shop; public class A : Controller { }' })).toMatch(/^undetected/)
  })

  test('not FluentMigrator’s, whose attribute has a number', async () => {
    const fluent = {
      [`${PATH}/20250304091502_A.cs`]:
        'using FluentMigrator;\n[Migration(20250304091502)]\npublic class A : Migration { }',
    }
    expect(await detect(fluent)).toMatch(/^unsupported: these are migrations of FluentMigrator/)
    const implicit = { [`${PATH}/A.cs`]: '[Migration(20250304091502, "text")]\npublic class A : Migration { }' }
    expect(await detect(implicit)).toMatch(/^undetected/)
    expect((await discover({ ...fluent, ...implicit, ...FIRST })).migrations).toHaveLength(1)
  })

  test('not Entity Framework 6’s', async () => {
    const six = {
      [`${PATH}/201403041032_A.cs`]: 'public partial class A : DbMigration { }',
      [`${PATH}/201403041032_A.Designer.cs`]:
        'public sealed partial class A : IMigrationMetadata { string IMigrationMetadata.Id { get { return "201403041032_A"; } } }',
    }
    expect(await detect(six)).toMatch(/^unsupported: these are migrations of Entity Framework 6/)
  })
})
