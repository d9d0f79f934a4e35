type Leaf = string | number | boolean | null | undefined;

/** A type of the OpenAPI document as the server answers it: only messages inside messages may be absent. */
export type Full<T> = T extends Leaf
  ? T
  : T extends (infer Item)[]
    ? Full<Item>[]
    : { [Key in keyof T]-?: FullField<NonNullable<T[Key]>> };

type FullField<T> = T extends Leaf | unknown[] ? Full<T> : string extends keyof T ? Full<T> : Full<T> | undefined;
