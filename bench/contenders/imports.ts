import '@anthropic-ai/sdk';
import '@modelcontextprotocol/sdk/client/index.js';
import '@modelcontextprotocol/sdk/server/mcp.js';
import '@slack/bolt';
import 'bullmq';
import { serve } from '../child.ts';

/** What any program with these parts has to load, and nothing else. */
serve({ memory: () => process.memoryUsage().rss });
