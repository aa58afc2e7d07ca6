/**
 * A JSON Schema of a type, as JSON.stringify writes its values: read from the compiler, so that there is no
 * second description of what is printed. (Generators on npm read the source's syntax and know no inferred
 * types, of which the messages are made; or lose index signatures.)
 */
import ts from "typescript";

export interface Schema {
  readonly [keyword: string]: unknown;
}

export class TypeSchemas {
  readonly #checker: ts.TypeChecker;
  readonly #node: ts.Node;
  /** Named object types of the schema that is made, by name. */
  #definitions = new Map<string, { readonly type: ts.Type; schema: Schema }>();

  private constructor(checker: ts.TypeChecker, node: ts.Node) {
    this.#checker = checker;
    this.#node = node;
  }

  /** Reads a source file with all that it imports; `name`: an interface or alias that it exports. */
  static of(file: string, name: string): { readonly schemas: TypeSchemas; readonly type: ts.Type } {
    const { config } = ts.readConfigFile("tsconfig.json", ts.sys.readFile);
    const options = ts.parseJsonConfigFileContent(config, ts.sys, ".").options;
    const program = ts.createProgram([file], { ...options, incremental: false });
    const checker = program.getTypeChecker();
    const source = program.getSourceFile(file)!;
    const module = checker.getSymbolAtLocation(source)!;
    const symbol = checker.getExportsOfModule(module).find((one) => one.name === name)!;
    const schemas = new TypeSchemas(checker, source);
    return { schemas, type: checker.getDeclaredTypeOfSymbol(symbol) };
  }

  /** The properties of an object type, each with its type. */
  members(type: ts.Type): [name: string, type: ts.Type, what: string][] {
    return this.#checker.getPropertiesOfType(type).map((property) => {
      return [property.name, this.#typeOf(property), this.#wordsOf(property)];
    });
  }

  /** @throws Error for what JSON cannot hold */
  schemaOf(type: ts.Type): Schema {
    this.#definitions = new Map();
    const schema = this.#schema(type);
    const definitions = [...this.#definitions]
      .map(([name, { schema: own }]) => [name, own] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return definitions.length === 0
      ? schema
      : { ...schema, $defs: Object.fromEntries(definitions) };
  }

  #schema(type: ts.Type): Schema {
    const { flags } = type;
    if (flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return {};
    if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value };
    if (flags & ts.TypeFlags.BooleanLiteral) {
      return { const: this.#checker.typeToString(type) === "true" };
    }
    if (flags & ts.TypeFlags.String) return { type: "string" };
    if (flags & ts.TypeFlags.Number) return { type: "number" };
    if (flags & ts.TypeFlags.Null) return { type: "null" };
    if (flags & ts.TypeFlags.NonPrimitive) return { type: "object" };
    if (type.isUnion()) {
      const isOfObjects = type.types.every((one) => one.flags & ts.TypeFlags.Object);
      if (!isOfObjects) return this.#union(type.types);
      return this.#named(type, () => this.#union(type.types));
    }
    if (this.#checker.isTupleType(type)) {
      const items = this.#checker.getTypeArguments(type as ts.TypeReference);
      return {
        type: "array",
        prefixItems: items.map((one) => this.#schema(one)),
        minItems: items.length,
        items: false,
      };
    }
    if (this.#checker.isArrayType(type)) {
      const [item] = this.#checker.getTypeArguments(type as ts.TypeReference);
      return { type: "array", items: this.#schema(item!) };
    }
    if (flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) return this.#object(type);
    throw new Error(`${this.#checker.typeToString(type)}: cannot stand in JSON`);
  }

  /** In an order of its own: the compiler's is that in which it has met the types. */
  #union(types: readonly ts.Type[]): Schema {
    const schemas = types.map((one) => this.#schema(one));
    const literals = schemas.flatMap((one) => ("const" in one ? [one["const"]] : []));
    const isBoolean = literals.includes(true) && literals.includes(false);
    const words = literals.filter((one) => !isBoolean || typeof one !== "boolean").sort();
    const isPlain = (one: Schema): boolean => Object.keys(one).join() === "type";
    const plain = schemas.filter(isPlain).map((one) => String(one["type"]));
    const names = [...plain, ...(isBoolean ? ["boolean"] : [])].sort();
    const all: Schema[] = [
      ...(words.length > 1 ? [{ enum: words }] : words.map((one) => ({ const: one }))),
      ...schemas.filter((one) => !("const" in one) && !isPlain(one)).sort(byText),
      ...(names.length > 1 ? [{ type: names }] : names.map((one) => ({ type: one }))),
    ];
    return all.length === 1 ? all[0]! : { anyOf: all };
  }

  #object(type: ts.Type): Schema {
    if (type.getCallSignatures().length + type.getConstructSignatures().length > 0) {
      throw new Error(`${this.#checker.typeToString(type)}: a function cannot stand in JSON`);
    }
    return this.#named(type, () => this.#fields(type));
  }

  /** A type that has a name is told once. */
  #named(type: ts.Type, make: () => Schema): Schema {
    const symbol = type.aliasSymbol ?? (type.isUnion() ? undefined : type.symbol);
    const isNamed = symbol !== undefined && !symbol.name.startsWith("__");
    if (!isNamed || (type.aliasTypeArguments ?? []).length > 0) return make();
    const key = this.#keyOf(symbol.name, type);
    if (!this.#definitions.has(key)) {
      const definition = { type, schema: {} };
      this.#definitions.set(key, definition);
      definition.schema = described(make(), this.#wordsOf(symbol));
    }
    return { $ref: `#/$defs/${key}` };
  }

  /** Types of one name that are not the same get numbers. */
  #keyOf(name: string, type: ts.Type): string {
    for (let n = 1; ; n++) {
      const key = n === 1 ? name : `${name}${n}`;
      const known = this.#definitions.get(key);
      if (known === undefined || known.type === type) return key;
    }
  }

  /** As they are declared; those of a type that is made from a union of names by their names, as a union has no order. */
  #inOrder(type: ts.Type): readonly ts.Symbol[] {
    const properties = this.#checker.getPropertiesOfType(type);
    const isMapped =
      (type.flags & ts.TypeFlags.Object) !== 0 &&
      ((type as ts.ObjectType).objectFlags & ts.ObjectFlags.Mapped) !== 0;
    if (!isMapped) return properties;
    return properties.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  }

  #fields(type: ts.Type): Schema {
    const properties: [string, Schema][] = [];
    const required: string[] = [];
    for (const property of this.#inOrder(type)) {
      const own = this.#typeOf(property);
      const parts = own.isUnion() ? own.types : [own];
      const mayBeMissing = ts.TypeFlags.Undefined | ts.TypeFlags.Any | ts.TypeFlags.Unknown;
      const isOptional =
        (property.flags & ts.SymbolFlags.Optional) !== 0 ||
        parts.some(({ flags }) => flags & mayBeMissing);
      const known = parts.filter(({ flags }) => !(flags & ts.TypeFlags.Undefined));
      const schema = known.length === parts.length ? this.#schema(own) : this.#union(known);
      properties.push([property.name, described(schema, this.#wordsOf(property))]);
      if (!isOptional) required.push(property.name);
    }
    const index = this.#checker.getIndexInfoOfType(type, ts.IndexKind.String);
    return {
      type: "object",
      ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
      ...(required.length === 0 ? {} : { required }),
      additionalProperties: index === undefined ? false : this.#schema(index.type),
    };
  }

  #typeOf(property: ts.Symbol): ts.Type {
    return this.#checker.getTypeOfSymbolAtLocation(property, this.#node);
  }

  #wordsOf(symbol: ts.Symbol): string {
    const parts = symbol.getDocumentationComment(this.#checker);
    return ts
      .displayPartsToString(parts)
      .replaceAll(/\s*\n\s*/g, " ")
      .trim();
  }
}

function byText(a: Schema, b: Schema): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}

function described(schema: Schema, what: string): Schema {
  return what === "" ? schema : { description: what, ...schema };
}
