/** The shape of the Chinese texts, which every other language has to fill. */
export type Same<T> = { [Key in keyof T]: T[Key] extends string ? string : Same<T[Key]> };
