/** A moment as it is written for people and programs alike: RFC 3339, UTC, milliseconds. @param wall milliseconds since the epoch */
export const timeText = (wall: number): string => new Date(wall).toISOString();
