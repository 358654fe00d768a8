// Stands for a step whose Redis or backend is away.
process.exit(75);
