// Stands for a step that kills its process.
process.kill(process.pid, 'SIGSEGV');
