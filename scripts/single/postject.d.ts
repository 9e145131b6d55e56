declare module "postject" {
  /** Puts a blob into a copy of Node, in place. */
  export function inject(
    file: string,
    resource: string,
    blob: Buffer,
    options: { sentinelFuse: string; machoSegmentName?: string },
  ): Promise<void>;
}
