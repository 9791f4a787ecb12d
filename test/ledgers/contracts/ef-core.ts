import { efCore } from '../../../functions/ledgers/ef-core.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { stampOf, textOf } from './numbered.ts'

export const contract: LedgerContract = {
  tool: efCore,
  path: 'Migrations',
  sign: {
    'Shop.csproj': '<Project Sdk="Microsoft.NET.Sdk.Web"></Project>\n',
    'ShopContext.cs': 'namespace Shop;\n\npublic class ShopContext : DbContext { }\n',
  },
  migration: (n) => ({
    files: {
      [`Migrations/${stampOf(n)}_Step${n}.cs`]: `using Microsoft.EntityFrameworkCore.Migrations;\n\nnamespace Shop.Migrations\n{\n    public partial class Step${n} : Migration\n    {\n        protected override void Up(MigrationBuilder migrationBuilder)\n        {\n            migrationBuilder.Sql("${textOf(n).trim()}");\n        }\n    }\n}\n`,
      [`Migrations/${stampOf(n)}_Step${n}.Designer.cs`]: `using Microsoft.EntityFrameworkCore.Infrastructure;\n\nnamespace Shop.Migrations\n{\n    [DbContext(typeof(ShopContext))]\n    [Migration("${stampOf(n)}_Step${n}")]\n    partial class Step${n}\n    {\n    }\n}\n`,
    },
    row: { MigrationId: `${stampOf(n)}_Step${n}`, ProductVersion: '8.0.4' },
  }),
  keepsOneRow: false,
  checksums: false,
}
